// SPDX-License-Identifier: MIT
// Two conveniences over Session::poll(), for those who like listeners better than a loop with std::visit.
#ifndef POP3_DISPATCH_HPP
#define POP3_DISPATCH_HPP

#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

#include "session.hpp"

namespace pop3 {
inline namespace v1 {

// std::visit(pop3::overloaded{[](const AuthRequest&) {...}, ...}, event)
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

namespace detail {

// Whether a handler has a member function on(Session&, const EventType&).
template <class Handler, class EventType, class = void>
struct Listens : std::false_type {};
template <class Handler, class EventType>
struct Listens<
    Handler, EventType,
    std::void_t<decltype(std::declval<Handler&>().on(std::declval<Session&>(), std::declval<const EventType&>()))>>
    : std::true_type {};
template <class Handler, class EventType>
inline constexpr bool listens = Listens<Handler, EventType>::value;

// The mistake that would go unnoticed: on(Session&, EventType&) without the const.
template <class Handler, class EventType, class = void>
struct ListensWrongly : std::false_type {};
template <class Handler, class EventType>
struct ListensWrongly<
    Handler, EventType,
    std::void_t<decltype(std::declval<Handler&>().on(std::declval<Session&>(), std::declval<EventType&>()))>>
    : std::bool_constant<!listens<Handler, EventType>> {};

// What becomes of an event that nobody listens to: a request is refused, a command takes its usual course, a notice
// goes by.
template <class Request>
void decline(Session& session, const Request& request) {
  session.refuse(request.token);
}
inline void decline(Session& session, const CommandRequest& request) { session.proceed(request.token); }
inline void decline(Session&, const BodyDone&) {}
inline void decline(Session&, const LoginFailed&) {}
inline void decline(Session&, const Closed&) {}

template <class Alternative, class Handler>
bool give_if(Session& session, const Event& event, Handler& handler) {
  static_assert(!ListensWrongly<Handler, Alternative>::value, "on() has to take the event by const&");
  const auto* const alternative = std::get_if<Alternative>(&event);
  if (alternative == nullptr) return false;
  if constexpr (listens<Handler, Alternative>)
    handler.on(session, *alternative);
  else
    decline(session, *alternative);
  return true;
}
// One comparison after the other compiles in half the time of std::visit, whose table pays only for far more events.
template <class Handler, std::size_t... index>
void give(Session& session, const Event& event, Handler& handler, std::index_sequence<index...>) {
  (void)(give_if<std::variant_alternative_t<index, Event>>(session, event, handler) || ...);
}

}  // namespace detail

// Gives one event to the member function on(Session&, const AuthRequest&), on(Session&, const ListRequest&), ... of
// `handler` that listens to it. Login, listing, retrieving and committing must be listened to. Without DigestRequest,
// ScramRequest or SaslRequest their mechanisms are refused, without TlsRequest the handshake has failed, without
// BodyRequest a body that is not given whole is aborted; a CommandRequest proceeds, and notices go by.
template <class Handler>
void dispatch_event(Session& session, const Event& event, Handler& handler) {
  static_assert(detail::listens<Handler, AuthRequest> || detail::listens<Handler, DigestRequest> ||
                    detail::listens<Handler, ScramRequest> || detail::listens<Handler, SaslRequest>,
                "no public on(Session&, const AuthRequest&), nor any other login: nobody could log in");
  static_assert(detail::listens<Handler, ListRequest>, "no public on(Session&, const ListRequest&)");
  static_assert(detail::listens<Handler, RetrieveRequest>, "no public on(Session&, const RetrieveRequest&)");
  static_assert(detail::listens<Handler, CommitRequest>, "no public on(Session&, const CommitRequest&)");
  detail::give(session, event, handler, std::make_index_sequence<std::variant_size_v<Event>>{});
}

// Polls until there is no event left. Handlers are called from here, never from inside the session: they may answer
// at once, keep the token for later, or shut the session down; they must not destroy it.
template <class Handler>
void dispatch(Session& session, TimePoint now, Handler& handler) {
  while (const auto event = session.poll(now)) dispatch_event(session, *event, handler);
}

}  // namespace v1
}  // namespace pop3

#endif
