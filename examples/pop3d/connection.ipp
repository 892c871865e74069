// SPDX-License-Identifier: MIT
// What connection.cpp and login.cpp share.
#ifndef POP3D_CONNECTION_IPP
#define POP3D_CONNECTION_IPP

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "connection.hpp"

namespace pop3d {

// What the session is to know of TLS, with the octets that its views look at.
struct KnownTls {
  KnownTls(const Stream& stream, std::string_view proxied_identity) {
    if (stream.encrypted()) {
      details = stream.tls_details();
      exporter = stream.channel_binding("tls-exporter");
      end_point = stream.channel_binding("tls-server-end-point");
      unique = stream.channel_binding("tls-unique");
    } else {
      details.identity = proxied_identity;
    }
    facts = {details.identity, exporter, end_point, unique, details.version, details.cipher, details.sni, details.alpn};
  }
  KnownTls(const KnownTls&) = delete;
  KnownTls& operator=(const KnownTls&) = delete;

  TlsDetails details;
  std::string exporter, end_point, unique;
  pop3::TlsFacts facts;
};

// Does `work` on a thread that may block, then goes on here. What is thrown there is logged; `work` has to leave its
// results so that they tell of the failure. Nothing else happens to the connection meanwhile.
template <class Work>
Awaitable<> Connection::on(asio::thread_pool& pool, Work work) {
  const auto there_and_back = [this, &pool](auto handler, Work todo) {
    asio::post(pool, [this, handler = std::move(handler), todo = std::move(todo),
                      stay = asio::make_work_guard(socket_.get_executor())]() mutable {
      try {
        todo();
      } catch (const std::exception& error) {
        LogLine(services_.log, Level::error, "failure").add("user", user_).add("what", error.what());
      }
      asio::post(stay.get_executor(), std::move(handler));
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(there_and_back, use_awaitable,
                                                                             std::move(work));
}

}  // namespace pop3d

#endif
