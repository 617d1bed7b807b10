"""The core: all rules, as pure functions on frozen data.

It has four wings, and each may import only those before it: config, facts, decision, answers.
"""
