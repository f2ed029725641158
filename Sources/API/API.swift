// The room API: what clients see of a node, over HTTP and WebSocket.
//
// A request comes in through Hummingbird's HTTP/1 channel. Two handlers of ours stand before it in each connection:
// `RequestGuard` (what the parser refuses, what takes too long) and `WebSocketUpgrade`. `Responder` does for every
// request what every request needs: ids, route, access, body, answer. The route table (`Routes.swift`) says which
// handler answers, what the caller must be allowed, and what OpenAPI tells. Handlers are extensions of `Handlers`, one
// subject a file: they read the replicated state, ask the task store for what has left it, propose commands. Whatever
// goes wrong is a `Problem`; what other rooms refuse becomes one in `Problem+Mapping.swift` and nowhere else.
//
// Events go out through `Hub`, which reads them from the state's window and hands them to a `HubShard` on each event
// loop; `SocketHandler` is one client, `WebSocketSession` its protocol as a value.
//
// What this room needs of others it declares in `Services/`: `ClusterService`, `TaskStore` (`TaskQueries` of Storage
// conforms), `AccessPolicy`. It keeps nothing on disk and decides nothing about tasks. `APIServer` is the door for
// `amas`; `APILimits` has every bound.
