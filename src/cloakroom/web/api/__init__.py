"""The HTTP interface as values: endpoints, typed requests and answers, problems, and their description."""
