"""What people read: summary, explanations, questions, audience files, statements, the documentation site."""
