// SPDX-License-Identifier: MIT
// What is read from files, and read again while it is in use.
#ifndef POP3D_RELOADABLE_HPP
#define POP3D_RELOADABLE_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace pop3d {

// Who uses a T takes a snapshot and keeps it for as long as he needs that very T.
template <class T>
class Reloadable {
 public:
  using Snapshot = std::shared_ptr<const T>;
  using Load = std::function<Snapshot()>;

  explicit Reloadable(Load load) : load_(std::move(load)), now_(load_()) {}

  Snapshot get() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  // What load() throws passes through, and everything stays as it is. One at a time.
  void reload() {
    Snapshot next = load_();
    const std::lock_guard lock(mutex_);
    now_.swap(next);  // the old one may end here, but behind the lock
  }

 private:
  const Load load_;
  mutable std::mutex mutex_;
  Snapshot now_;
};

}  // namespace pop3d

#endif
