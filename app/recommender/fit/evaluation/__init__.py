"""What models are judged on: the interactions held out, the questions about them, and the metrics of the answers."""
