"""MLflow's model registry, by the REST calls of its server or from its sqlite file, without MLflow itself.

mlflow://HOST/MODEL ─► server ───┐
mlflow+sqlite:///DB#MODEL ─► database ─┴─► registered versions, their runs and artifacts ─► history ─► import
"""
