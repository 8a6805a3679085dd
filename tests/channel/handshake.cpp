// SPDX-License-Identifier: BSL-1.0
// The handshake of two ends that know a key, step by step: every wrong answer, in both roles, and its text.
#include "channel/handshake.hpp"

#include <ferry/driver.hpp>
#include <ferry/error.hpp>

#include "channel/authentication.hpp"
#include "channel/carriers.hpp"
#include "channel/in_process_driver.hpp"

#include <boost/test/unit_test.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

using namespace ferry;
using namespace ferry::test;
using namespace std::string_literals;
using ferry::channel::handshake;
namespace authentication = ferry::channel::authentication;
using authentication::role;

namespace {

const std::string same_key = "key";
const std::string mark(authentication::challenge_mark);
const std::string welcome(authentication::welcome);
const std::string failure(authentication::failure);

std::string hmac(const EVP_MD* algorithm, std::string_view with, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  BOOST_REQUIRE(HMAC(algorithm, with.data(), static_cast<int>(with.size()),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(),
                     &size) != nullptr);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

/// One side of the handshake, and a peer that says what the test has it say.
class side {
 public:
  explicit side(role which, bool allow_md5 = false) : under_test_(which, same_key, allow_md5) {
    std::tie(mine_, peer_) = channel::make_in_process_drivers();
  }

  /// Goes on as far as what was said allows. @returns whether it is through
  bool advance() { return under_test_.advance(*mine_, deadline::immediately()); }
  int steps() const { return under_test_.steps_taken(); }

  void say(std::string_view text) {
    peer_->send({.bytes = std::as_bytes(std::span(text))}, deadline::never());
  }
  void say_with_handle(std::string_view text) {
    buffer bytes;
    bytes.append(text.data(), text.size());
    message with(std::move(bytes), some_handles(1));
    peer_->send(with, deadline::never());
  }
  /// What the peer hears next, if anything.
  std::optional<std::string> hear() {
    const auto what = peer_->receive(limits(), deadline::immediately());
    if (!what) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(what->bytes().data()), what->bytes().size());
  }
  /// The challenge that the peer hears, without its mark.
  std::string hear_challenge() {
    const std::string heard = hear().value();
    BOOST_REQUIRE(heard.starts_with(mark));
    return heard.substr(mark.size());
  }
  void hang_up() { peer_.reset(); }

  /// In what words it refuses what was said; empty when it does not.
  std::string refusal() {
    try {
      advance();
      return {};
    } catch (const authentication_error& refused) {
      return refused.what();
    }
  }

 private:
  std::unique_ptr<ferry::driver> mine_, peer_;
  handshake under_test_;
};

/// A listener that has given its challenge, as `challenge`.
struct asking_listener : side {
  explicit asking_listener(bool allow_md5 = false) : side(role::listener, allow_md5) {
    BOOST_REQUIRE(!advance());
    challenge = hear_challenge();
  }
  std::string challenge;
};

void check_refusal(const std::string& said, std::string_view expected) {
  BOOST_CHECK_MESSAGE(said.starts_with("authentication failed: ") && said.find(expected) != std::string::npos,
                      "it says '" << said << "', and not '" << expected << "'");
}

constexpr std::string_view other_key = "the peer has another key";
constexpr std::string_view nothing_to_do = "what the peer says has nothing to do with keys";
constexpr std::string_view unknown_digest = "wants a digest that is not one of md5, sha256, sha384, sha3_256";
constexpr std::string_view no_md5 = "the peer wants the digest MD5";

}  // namespace

BOOST_AUTO_TEST_SUITE(handshakes)

BOOST_AUTO_TEST_CASE(an_answer_of_another_form_is_refused_with_what_is_wrong_and_the_peer_is_told) {
  const std::pair<std::string, std::string_view> answers[] = {
      {"", nothing_to_do},
      {"yes", nothing_to_do},
      {std::string(15, 'x'), nothing_to_do},
      {std::string(17, 'x'), nothing_to_do},
      {std::string(32, 'x'), nothing_to_do},
      {std::string(256, 'x'), nothing_to_do},
      {welcome, nothing_to_do},
      {"{", unknown_digest},
      {"{}", unknown_digest},
      {"{sha256", unknown_digest},
      {"{sha1}" + std::string(21, 'x'), unknown_digest},
      {"{sha512}" + std::string(64, 'x'), unknown_digest},
      {"{SHA256}" + std::string(32, 'x'), unknown_digest},
      {"{sha256 }" + std::string(32, 'x'), unknown_digest},
      {"{sha256}"s, other_key},
      {"{sha256}" + std::string(31, 'x'), other_key},
      {"{sha256}" + std::string(32, 'x'), other_key},
      {"{sha256}" + std::string(32, '\0'), other_key},
      {"{sha256}" + std::string(33, 'x'), other_key},
      {"{md5}" + std::string(16, 'x'), no_md5},
      {std::string(16, 'x'), no_md5},
      {std::string(20, 'x'), no_md5},
  };
  for (const auto& [answer, words] : answers) BOOST_TEST_CONTEXT(answer) {
      asking_listener listener;
      listener.say(answer);
      check_refusal(listener.refusal(), words);
      BOOST_TEST(listener.hear().value() == failure);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_that_does_not_prove_this_key_for_this_challenge_is_refused) {
  const auto refusal = [](auto answer) {
    asking_listener listener;
    listener.say(answer(listener.challenge));
    return listener.refusal();
  };
  const auto sha256 = [](std::string_view with, std::string_view text) {
    return "{sha256}" + hmac(EVP_sha256(), with, text);
  };
  check_refusal(refusal([&](auto& challenge) { return sha256("another key", challenge); }), other_key);
  check_refusal(refusal([&](auto& challenge) { return sha256("", challenge); }), other_key);
  check_refusal(refusal([&](auto& challenge) { return sha256(same_key, challenge + "x"); }), other_key);
  check_refusal(refusal([&](auto& challenge) { return sha256(same_key, challenge.substr(8)); }), other_key);
  check_refusal(refusal([&](auto&) { return sha256(same_key, authentication::new_challenge()); }), other_key);
  check_refusal(refusal([&](auto& challenge) { return sha256(same_key, challenge) + "x"; }), other_key);
  check_refusal(refusal([&](auto& challenge) {
                  std::string answer = sha256(same_key, challenge);
                  answer.back() = static_cast<char>(answer.back() ^ 1);
                  return answer;
                }),
                other_key);
  check_refusal(
      refusal([&](auto& challenge) { return "{sha384}" + hmac(EVP_sha256(), same_key, challenge); }),
      other_key);
  check_refusal(refusal([&](auto& challenge) { return "{md5}" + hmac(EVP_md5(), same_key, challenge); }),
                no_md5);
  check_refusal(refusal([&](auto& challenge) { return hmac(EVP_md5(), same_key, challenge); }), no_md5);
}

BOOST_AUTO_TEST_CASE(a_challenge_that_is_none_is_refused_and_not_answered) {
  const std::pair<std::string, std::string_view> challenges[] = {
      {"", "the peer sent no challenge"},
      {"hello", "the peer sent no challenge"},
      {mark.substr(0, mark.size() - 1), "the peer sent no challenge"},
      {"x" + mark + "{sha256}" + std::string(40, 'x'), "the peer sent no challenge"},
      {welcome, "give it the same key, as listener_options::authkey or connect_options::authkey"},
      {mark, "has only 0 bytes"},
      {mark + std::string(19, 'x'), "has only 19 bytes"},
      {mark + "{sha256}" + std::string(11, 'x'), "has only 19 bytes"},
      {mark + std::string(21, 'x'), nothing_to_do},
      {mark + std::string(40, 'x'), nothing_to_do},
      {mark + "{sha1}" + std::string(40, 'x'), unknown_digest},
      {mark + "{sha256" + std::string(40, 'x'), unknown_digest},
      {mark + "{md5}" + std::string(40, 'x'), no_md5},
      {mark + std::string(20, 'x'), no_md5},
  };
  for (const auto& [challenge, words] : challenges) BOOST_TEST_CONTEXT(challenge) {
      side client(role::client);
      client.say(challenge);
      check_refusal(client.refusal(), words);
      BOOST_CHECK(!client.hear());
    }
}

BOOST_AUTO_TEST_CASE(a_challenge_of_this_process_is_answered_in_the_other_role_alone) {
  const asking_listener asked;
  side client(role::client);
  client.say(mark + asked.challenge);
  BOOST_CHECK(!client.advance());
  asking_listener other;
  other.say(authentication::create_response(same_key, other.challenge, false));
  BOOST_CHECK(!other.advance());
  BOOST_TEST(other.hear().value() == welcome);
  other.say(mark + asked.challenge);
  check_refusal(other.refusal(), "the peer gave back a challenge of this process");
  BOOST_CHECK(!other.hear());
}

BOOST_AUTO_TEST_CASE(a_verdict_that_is_not_exactly_welcome_is_a_refusal) {
  for (const std::string& verdict :
       {failure, ""s, "#WELCOME"s, "#welcome#"s, welcome + " ", mark + authentication::new_challenge()})
    BOOST_TEST_CONTEXT(verdict) {
      side client(role::client);
      client.say(mark + authentication::new_challenge());
      BOOST_CHECK(!client.advance());
      client.say(verdict);
      check_refusal(client.refusal(), "the peer did not accept the key");
    }
}

BOOST_AUTO_TEST_CASE(a_message_beyond_all_that_a_handshake_says_is_refused_unread) {
  const std::size_t longest = authentication::longest_message;
  asking_listener listener;
  listener.say(std::string(longest + 1, 'x'));
  check_refusal(listener.refusal(), std::to_string(longest + 1));
  side client(role::client);
  client.say(mark + "{sha256}" + std::string(longest, 'x'));
  check_refusal(client.refusal(), std::to_string(longest));
  side with_handle(role::client);
  with_handle.say_with_handle(mark + authentication::new_challenge());
  check_refusal(with_handle.refusal(), "handle");
}

BOOST_AUTO_TEST_CASE(a_peer_that_hangs_up_is_refused_at_each_step) {
  asking_listener before_its_answer;
  before_its_answer.hang_up();
  check_refusal(before_its_answer.refusal(), "");
  asking_listener before_its_challenge;
  before_its_challenge.say(authentication::create_response(same_key, before_its_challenge.challenge, false));
  BOOST_CHECK(!before_its_challenge.advance());
  before_its_challenge.hang_up();
  check_refusal(before_its_challenge.refusal(), "");
  side from_the_start(role::client);
  from_the_start.hang_up();
  check_refusal(from_the_start.refusal(), "");
  side before_its_verdict(role::client);
  before_its_verdict.say(mark + authentication::new_challenge());
  BOOST_CHECK(!before_its_verdict.advance());
  before_its_verdict.hang_up();
  check_refusal(before_its_verdict.refusal(), "");
}

BOOST_AUTO_TEST_CASE(a_handshake_that_waits_takes_no_step_and_goes_on_where_it_was) {
  asking_listener listener;
  BOOST_TEST(listener.steps() == 1);
  for (int i = 0; i < 3; ++i) BOOST_CHECK(!listener.advance());
  BOOST_TEST(listener.steps() == 1);
  BOOST_CHECK(!listener.hear());
  listener.say(authentication::create_response(same_key, listener.challenge, false));
  BOOST_CHECK(!listener.advance());
  BOOST_TEST(listener.steps() == 2);
  BOOST_TEST(listener.hear().value() == welcome);
  const std::string challenge = authentication::new_challenge();
  listener.say(mark + challenge);
  BOOST_CHECK(!listener.advance());
  BOOST_TEST(listener.steps() == 3);
  authentication::verify_response(same_key, challenge, listener.hear().value(), false);
  listener.say(welcome);
  BOOST_CHECK(listener.advance());
  BOOST_TEST(listener.steps() == 4);
  BOOST_CHECK(listener.advance());
  BOOST_TEST(listener.steps() == 4);
}

BOOST_AUTO_TEST_CASE(every_digest_of_python_is_taken_in_an_answer_and_given_for_a_challenge) {
  const std::pair<std::string, const EVP_MD*> digests[] = {
      {"{sha256}", EVP_sha256()},     {"{sha384}", EVP_sha384()}, {"{sha3_256}", EVP_sha3_256()},
      {"{sha3_384}", EVP_sha3_384()}, {"{md5}", EVP_md5()},       {"", EVP_md5()}};
  for (const auto& [prefix, algorithm] : digests) BOOST_TEST_CONTEXT(prefix) {
      const bool is_md5 = algorithm == EVP_md5();
      asking_listener listener(is_md5);
      listener.say(prefix + hmac(algorithm, same_key, listener.challenge));
      BOOST_CHECK(!listener.advance());
      BOOST_TEST(listener.hear().value() == welcome);

      side client(role::client, is_md5);
      const std::string challenge = prefix + std::string(prefix.empty() ? 20 : 40, '\xff');
      client.say(mark + challenge);
      BOOST_CHECK(!client.advance());
      BOOST_CHECK(client.hear().value() == prefix + hmac(algorithm, same_key, challenge));
    }
}

BOOST_AUTO_TEST_CASE(two_sides_with_one_key_come_through_and_with_two_keys_both_are_told) {
  const auto go = [](const std::string& of_client) {
    auto [here, there] = channel::make_in_process_drivers();
    handshake listener(role::listener, same_key, false), client(role::client, of_client, false);
    const auto advance = [](handshake& side, ferry::driver& with) -> std::optional<std::string> {
      try {
        return side.advance(with, deadline::immediately()) ? std::optional<std::string>("through")
                                                           : std::nullopt;
      } catch (const authentication_error& refused) {
        return refused.what();
      }
    };
    std::optional<std::string> here_said, there_said;
    for (int turn = 0; turn < 10 && !(here_said && there_said); ++turn) {
      if (!here_said) here_said = advance(listener, *here);
      if (!there_said) there_said = advance(client, *there);
    }
    return std::pair(here_said.value(), there_said.value());
  };
  BOOST_CHECK(go(same_key) == std::pair("through"s, "through"s));
  const auto [listener_says, client_says] = go("another key");
  check_refusal(listener_says, other_key);
  check_refusal(client_says, "the peer did not accept the key");
  check_refusal(go("").first, other_key);
}

BOOST_AUTO_TEST_CASE(a_message_is_a_challenge_when_it_begins_with_the_whole_mark) {
  const auto is_challenge = [](std::string_view text) {
    return authentication::is_challenge(std::as_bytes(std::span(text)));
  };
  for (const std::string& none : {""s, "#"s, mark.substr(0, mark.size() - 1), mark.substr(1), "x" + mark})
    BOOST_TEST(!is_challenge(none), none);
  BOOST_TEST(is_challenge(mark));
  BOOST_TEST(is_challenge(mark + "x"));
}

BOOST_AUTO_TEST_CASE(no_challenge_comes_twice) {
  const std::string first = authentication::new_challenge(), second = authentication::new_challenge();
  for (const std::string& each : {first, second}) {
    BOOST_TEST(each.starts_with("{sha256}"));
    BOOST_TEST(each.size() == 48U);
  }
  BOOST_CHECK(first != second);
}

BOOST_AUTO_TEST_SUITE_END()
