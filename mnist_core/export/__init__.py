"""Export: the Keras script and notebook, the report, and charts for print."""
