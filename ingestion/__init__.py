"""Landing of the source systems' extracts in the warehouse: it moves data and holds no business rule."""
