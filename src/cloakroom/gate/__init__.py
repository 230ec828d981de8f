"""The gate: policy, decisions, forms, budgets and exposure. Pure: values in, values out."""
