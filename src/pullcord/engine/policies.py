"""The policy in force, compiled; kept by version, so that an escalation finds the one it names."""

from dataclasses import dataclass

from pullcord.config.configuration import Configuration
from pullcord.config.read import read_again
from pullcord.errors import NotFound
from pullcord.store.port import PolicyVersion, Store
from pullcord.trigger.evaluate import CompiledPolicy

#: compiled versions kept in memory
KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Configured:
    """One version: its configuration and compiled rules."""

    version: str
    configuration: Configuration
    compiled: CompiledPolicy


class Policies:
    """Policies by workspace and version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, str], Configured] = {}
        self._current: dict[str, str] = {}

    async def current(self, workspace: str) -> Configured:
        """The policy in force.

        Raises:
            NotFound: no policy was applied yet.
        """
        version = self._current.get(workspace)
        if version is not None:
            return self._kept[(workspace, version)]
        found = await self._store.policy(workspace)
        if found is None:
            raise NotFound(
                f"workspace {workspace!r} has no policy yet; run `pullcord apply pullcord.yaml`."
            )
        configured = self._keep(found)
        self._current[workspace] = configured.version
        return configured

    async def at(self, workspace: str, version: str) -> Configured:
        """One version of a policy.

        Raises:
            NotFound: it was never applied here.
        """
        kept = self._kept.get((workspace, version))
        if kept is not None:
            return kept
        found = await self._store.policy(workspace, version)
        if found is None:
            raise NotFound(f"policy {version!r} was never applied to {workspace!r}.")
        return self._keep(found)

    def _keep(self, found: PolicyVersion) -> Configured:
        configuration = read_again(found.source, file=f"policy {found.version}")
        compiled = CompiledPolicy(configuration.policy)
        configured = Configured(found.version, configuration, compiled)
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
            self._current.clear()
        self._kept[(found.workspace, found.version)] = configured
        return configured

    async def has_changed(self, workspace: str) -> bool:
        """Whether another process made another version the one in force."""
        known = self._current.get(workspace)
        if known is None:
            return False
        return await self._store.policy_version(workspace) != known

    def forget(self, workspace: str) -> None:
        """Read the policy in force again at the next use."""
        self._current.pop(workspace, None)
