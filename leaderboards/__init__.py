"""Published tables as data (``published/``); ``srspace-eval rank`` run here writes beside them."""
