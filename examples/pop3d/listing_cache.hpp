// SPDX-License-Identifier: MIT
#ifndef POP3D_LISTING_CACHE_HPP
#define POP3D_LISTING_CACHE_HPP

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "maildir_listing.hpp"
#include "maildir_state.hpp"

namespace pop3d {

// The last listings of Maildirs, for the sessions that come next. Bounded: of so many messages in all. Safe to use by
// many threads at once.
class ListingCache {
 public:
  struct Known {
    MaildirState state;  // before it was listed
    bool holds = false;  // as long as that is the state; else only what it says of files does
    std::shared_ptr<const MaildirListing> listing;
  };

  explicit ListingCache(std::size_t messages = 400'000) : generation_(messages / 2) {}

  std::optional<Known> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = young_.find(name); found != young_.end()) return found->second;
    const auto found = old_.find(name);
    if (found == old_.end()) return std::nullopt;
    Known known = std::move(found->second);  // in use, so young
    old_.erase(found);
    insert(name, known);
    return known;
  }
  void put(const std::string& name, Known known) {
    const std::lock_guard lock(mutex_);
    forget(name);
    insert(name, std::move(known));
  }
  void erase(const std::string& name) {
    const std::lock_guard lock(mutex_);
    forget(name);
  }

 private:
  using Listings = std::unordered_map<std::string, Known>;
  static std::size_t cost(const Known& known) noexcept { return known.listing->messages().size() + 1; }

  void insert(const std::string& name, Known known) {
    if (cost(known) > generation_) return;
    if (young_cost_ + cost(known) > generation_) {  // the older half is forgotten
      old_.swap(young_);
      young_.clear();
      young_cost_ = 0;
    }
    young_cost_ += cost(known);
    young_.emplace(name, std::move(known));
  }
  void forget(const std::string& name) {
    old_.erase(name);
    const auto found = young_.find(name);
    if (found == young_.end()) return;
    young_cost_ -= cost(found->second);
    young_.erase(found);
  }

  const std::size_t generation_;
  std::mutex mutex_;
  Listings young_, old_;
  std::size_t young_cost_ = 0;
};

}  // namespace pop3d

#endif
