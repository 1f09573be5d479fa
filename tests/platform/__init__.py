"""The peers of the tests: a platform that keeps the contract or breaks it on demand, and a proxy.

They run as processes of their own and speak real HTTP; tests drive them through `peers.py`.
"""
