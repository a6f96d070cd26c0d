"""The human study: the page people rank crops on, its answers, the mean opinion rank."""
