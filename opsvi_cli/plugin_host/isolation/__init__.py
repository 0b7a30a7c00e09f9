"""Plugins that live in an environment of their own and are talked to over the pipes of a child process.

An isolated plugin is installed into a virtual environment that holds the plugin, what it requires and pluggy, but not
opsvi: its pins may contradict those of opsvi and of every other plugin. What it registered is written down when it is
installed, so listing its parts starts nothing. When one of its parts is used first, a child process is started with the
environment's Python; it serves all parts of the plugin until opsvi ends.

The plugin is written like any other: it imports `opsvi_cli.sdk`, registers parts, and is handed `Services`. The parts
it may bring are providers, embedders, processors, chunkers, stores, rerankers, tools, agent adapters, secret stores and
templates. Commands and hooks other than `opsvi_register` run inside of opsvi and are refused. Three things differ:

- what a part takes and gives must be made of the SDK's dataclasses, JSON values, bytes and float32 arrays, and arrays
  need numpy among the plugin's own requirements (an embedder without numpy may give lists of floats);
- `Services.http()` needs httpx2 among them; the requests are made by opsvi, behind its guard;
- a part is called from the thread of the child that belongs to the caller's thread, the main thread for the main one.

The modules, from the pipe upwards: `wire` (values and errors as JSON lines), `peer` (calls, streams and call-backs over
two pipes, the same on both sides), `surfaces` (what may be called at all), `proxies` (objects that stand for one on the
other side). `child` and `services_there` run in the child; `children`, `services_here` and `environment` in opsvi.
"""
