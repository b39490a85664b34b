"""Where a job runs: in this process, in pools of workers, on Flink, on Dataflow."""
