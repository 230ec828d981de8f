"""What callers may ask and what they are answered: endpoints, typed requests, problems, and their description."""
