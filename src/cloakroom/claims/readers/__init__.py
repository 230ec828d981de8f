"""One module for each form in which stolen data turns up; `choose.open_leaf` picks."""
