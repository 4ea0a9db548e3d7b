"""The parts that an orchestrator takes: sources, pipelines, the steps around a run."""

from pathlib import Path

import pytest

from ingestion.landing.settings import PROJECT_ROOT as ROOT
from ingestion.landing.settings import SAMPLE_DIR, Settings
from ingestion.load import prepare, table_counts, verify
from ingestion.registry import SYSTEMS
from tests.support.companies.landed_company import Company


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_source_is_named_as_its_system_and_its_resources_as_the_tables(
    company: Company, system: str
) -> None:
    declared = SYSTEMS[system]
    source = declared.source(company.settings.extracts, company.settings)
    assert source.name == system
    assert list(source.resources) == [table.name for table in declared.tables]
    pipeline = declared.pipeline(company.settings)
    assert (pipeline.dataset_name, pipeline.pipeline_name) == (f"raw_{system}", f"land_{system}")


def test_a_pipeline_may_be_run_from_outside(company: Company) -> None:
    declared = SYSTEMS["billing"]
    for expected_loads in (1, 0):
        prepare("billing", company.settings)
        pipeline = declared.pipeline(company.settings)
        source = declared.source(company.settings.extracts, company.settings)
        info = pipeline.run(source, loader_file_format="parquet")
        verify("billing", pipeline, company.settings)
        assert len(info.loads_ids) == expected_loads
    assert table_counts("billing", company.settings)["invoices"].live == 60


def test_one_source_object_sees_the_files_anew_in_each_run(company: Company) -> None:
    declared = SYSTEMS["billing"]
    source = declared.source(company.settings.extracts, company.settings)
    for rows in (60, 58):
        company.write("billing", "invoices", company.read("billing", "invoices")[:rows])
        prepare("billing", company.settings)
        declared.pipeline(company.settings).run(source, loader_file_format="parquet")
        assert table_counts("billing", company.settings)["invoices"].live == rows


def test_one_table_may_be_loaded_alone(company: Company) -> None:
    declared = SYSTEMS["billing"]
    prepare("billing", company.settings)
    source = declared.source(company.settings.extracts, company.settings).with_resources("payments")
    declared.pipeline(company.settings).run(source, loader_file_format="parquet")
    counts = table_counts("billing", company.settings)
    assert (counts["invoices"].live, counts["payments"].live) == (0, 78)
    assert company.load("billing").tables["invoices"].live == 60


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    standard = Settings.from_env({})
    assert (standard.home, standard.extracts) == (ROOT / "var", SAMPLE_DIR)
    assert standard.warehouse == ROOT / "var" / "warehouse.duckdb"
    changed = Settings.from_env(
        {
            "COMMISSIONS_HOME": str(tmp_path),
            "COMMISSIONS_SAMPLE_DIR": str(tmp_path / "extracts"),
            "COMMISSIONS_ALLOW_SHRINK": "crm.Opportunity, hris.employees",
        }
    )
    assert (changed.home, changed.extracts) == (tmp_path, tmp_path / "extracts")
    assert changed.allow_shrink == {"crm.Opportunity", "hris.employees"}
