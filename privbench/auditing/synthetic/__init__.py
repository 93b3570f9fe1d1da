"""Audits of synthetic tables: do they reveal which rows they were made from?

report = privbench.audit_data("train.csv", "holdout.csv", "synthetic.csv")
report.to_json()["attacks"]["gen-lra"]["auc"]
"""
