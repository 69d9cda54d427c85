"""Where records go: Kafka, files, standard output."""
