"""The interface: endpoints, typed requests and answers, problems, and their description."""
