"""Histories from outside mvc, which `mvc import` records as versions."""
