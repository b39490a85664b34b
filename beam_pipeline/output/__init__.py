"""What a run leaves: Parquet files under names of its own, and one manifest that names them.

    OUT/labels/night=D/run=R/part-00000-of-00001.parquet
    OUT/rejected/night=D/run=R/part-00000-of-00001.parquet
    OUT/memory/night=D/run=R/part-00000-of-00008.parquet
    OUT/_manifests/night=D.json                               the commit
    OUT/views.sql

Law of this package: readers trust manifests alone, and a manifest is replaced in one atomic step.
Nothing of Beam is here.
"""
