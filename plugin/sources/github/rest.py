"""GitHub's REST API, for what writes: with a permission that reading does not have, and with clients of its own."""

from dataclasses import dataclass, field

from github import Auth, Github
from github.Requester import Requester

from plugin.core.config.names import folded
from plugin.errors import PluginError
from plugin.sources import NoReply, NotGranted, NotSent, Reply
from plugin.sources.github.pygithub import (
    EXPLICIT,
    UNREACHABLE,
    App,
    Token,
    authenticate,
    called,
    installation_of,
    parsed,
    unreachable,
)

UNAUTHORIZED, SERVER_ERROR = 401, 500
# https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
_NOT_GRANTED = "permissions requested are not granted"


@dataclass(slots=True)
class GitHubRest:
    """Asks in the name of one owner's credentials. Used by one thread at a time."""

    url: str
    credentials: Token | App
    permission: str  # of an installation, for example `deployments`; a personal token has what it has
    _clients: dict[str, Github] = field(default_factory=dict, init=False)
    _account: str = field(default="", init=False)

    def ask(self, repository: str, verb: str, path: str, content: object = None) -> Reply:
        """Send one request. Raises NotSent, NotGranted or NoReply."""
        owner = folded(repository.partition("/")[0])
        requester = self._requester(owner)
        try:
            status, headers, text = requester.requestJson(verb, path, input=content)
        except UNREACHABLE as error:
            raise NoReply(str(unreachable(error))) from None
        if status == UNAUTHORIZED:  # the App may have been reinstalled, under another id
            self._clients.pop(owner, None)
        return Reply(status, headers, parsed(text))

    def account(self, repository: str) -> str:
        """Return the login of the account in whose name everything is written. Raises NotSent, NotGranted or NoReply.

        https://docs.github.com/en/rest/users/users and https://docs.github.com/en/rest/apps/apps
        """
        if not self._account:
            self._account = self._bot() if isinstance(self.credentials, App) else self._user(repository)
        return self._account

    def _bot(self) -> str:
        assert isinstance(self.credentials, App)  # noqa: S101  the caller has looked
        integration = self.credentials.integration(self.url)
        try:
            return f"{called(lambda: integration.get_app().slug)}[bot]"
        except PluginError as error:
            raise NotSent(str(error)) from None

    def _user(self, repository: str) -> str:
        reply = self.ask(repository, "GET", "/user")
        match reply.body:
            case {"login": str(login)}:
                return login
        what = f"GitHub does not say whose token this is ({reply.status})"
        raise NotSent(what) if reply.status >= SERVER_ERROR else NotGranted(what)

    def _requester(self, owner: str) -> Requester:
        try:
            client = self._clients.get(owner) or self._connect(owner)
            if client.requester.auth:
                called(authenticate, client.requester.auth)
        except PluginError as error:
            self._clients.pop(owner, None)
            if _NOT_GRANTED in str(error):
                raise NotGranted(f"the GitHub App has no permission to write {self.permission}") from None
            raise NotSent(str(error)) from None
        self._clients[owner] = client
        return client.requester

    def _connect(self, owner: str) -> Github:
        if isinstance(self.credentials, Token):
            auth: Auth.Auth = Auth.Token(self.credentials.token)
        else:
            installation = installation_of(self.credentials.integration(self.url), owner, lambda: None)
            number = called(lambda: installation.id)
            permissions = {"metadata": "read", self.permission: "write"}
            auth = self.credentials.auth.get_installation_auth(number, token_permissions=permissions)
        return Github(auth=auth, base_url=self.url, **EXPLICIT)
