// SPDX-License-Identifier: MIT
// When a user logged in last, for LOGIN-DELAY (RFC 2449, 6.5).
#ifndef POP3D_LAST_LOGIN_HPP
#define POP3D_LAST_LOGIN_HPP

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

#include "recent.hpp"

namespace pop3d {

// One object for all threads; it remembers so many users and forgets the oldest. `delay` 0 = no user has to wait.
class LastLogin {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  explicit LastLogin(Duration delay, std::size_t users = 65'536) : delay_(delay), last_(users) {}

  void note(const std::string& user, Time now) {
    if (delay_ <= Duration::zero()) return;
    const std::lock_guard lock(mutex_);
    last_.put(user, now);
  }
  // How long it is until this user may log in again; 0 = now.
  Duration wait(const std::string& user, Time now) const {
    const std::lock_guard lock(mutex_);
    const Time* const last = last_.find(user);
    return last == nullptr || now - *last >= delay_ ? Duration::zero() : delay_ - (now - *last);
  }

 private:
  const Duration delay_;
  mutable std::mutex mutex_;
  Recent<std::string, Time> last_;
};

}  // namespace pop3d

#endif
