// SPDX-License-Identifier: MIT
// Connection's way to have something done that may take its time.
#ifndef POP3D_ELSEWHERE_HPP
#define POP3D_ELSEWHERE_HPP

#include <exception>
#include <memory>

#include "connection.hpp"
#include "worker.hpp"

namespace pop3d {

template <class Work>
std::invoke_result_t<Work&> Connection::try_to(Work& work) noexcept try {
  return work();
} catch (const std::exception& error) {
  LogLine(services_.log, Level::error, "failure").add("user", user_).add("what", error.what());
  return {};
}

template <class Work, class Then>
void Connection::on(asio::thread_pool& pool, Work work, Then then) {
  struct Job {
    Work work;
    Then then;
    std::invoke_result_t<Work&> result{};
  };
  const auto job = std::make_shared<Job>(Job{std::move(work), std::move(then)});
  asio::post(pool, [this, job] {
    job->result = try_to(job->work);
    worker_.loop().post([this, job] { resume([&] { job->then(std::move(job->result)); }); });
  });
  busy_ = true;
}

template <class Then>
void Connection::resume(Then then) noexcept {
  busy_ = false;
  const auto succeed = [&] { return then(), true; };
  if (!try_to(succeed)) session_->disconnect();
  advance();
}

}  // namespace pop3d

#endif
