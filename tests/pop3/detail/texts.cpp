// SPDX-License-Identifier: MIT
#include <pop3/detail/texts.hpp>

#include <doctest/doctest.h>

#include <mailwire/ascii.hpp>

#include <set>
#include <string>

namespace texts = pop3::detail::texts;

TEST_CASE("R7 R91: the texts of our own are short printable ASCII and look like no response code") {
  std::set<std::string> all;
  for (const texts::Text text : {texts::send_pass,
                                 texts::bye,
                                 texts::marked,
                                 texts::capabilities,
                                 texts::listing,
                                 texts::uid_listing,
                                 texts::top,
                                 texts::unknown_command,
                                 texts::malformed,
                                 texts::line_too_long,
                                 texts::not_now,
                                 texts::too_many_bad,
                                 texts::needs_tls,
                                 texts::no_user,
                                 texts::no_message,
                                 texts::is_deleted,
                                 texts::not_available,
                                 texts::bad_listing,
                                 texts::not_removed,
                                 texts::timed_out,
                                 texts::shutting_down,
                                 texts::login_refused(pop3::Code::none),
                                 texts::login_refused(pop3::Code::auth),
                                 texts::login_refused(pop3::Code::in_use),
                                 texts::login_refused(pop3::Code::login_delay),
                                 texts::login_refused(pop3::Code::sys_temp),
                                 texts::login_refused(pop3::Code::sys_perm)}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(text.empty());
    CHECK(text.size() < 80);
    CHECK(mailwire::all_of(text, mailwire::is_text));
    CHECK(text.find_first_of("[]<>") == text.npos);
    CHECK(all.insert(std::string(text)).second);  // each says something else
  }
}
