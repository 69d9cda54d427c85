"""Where records go, as nfacctd's configuration says: Kafka, files, standard output."""
