// Running the callable and telling the parent what it threw.
#include "process/child_main.hpp"

#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "channel/local_driver.hpp"
#include "os/process.hpp"
#include "process/identity.hpp"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <limits>
#include <string>

namespace ferry::detail {
namespace {

/// The parent has checked its message against its own limits, and is trusted.
archive_options trusting() {
  archive_options options;
  constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
  options.limit = {.bytes = any, .depth = any, .objects = any, .handles = any};
  return options;
}

std::string name_of_current_exception() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "unknown type";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type->name();
}

/// To be called while an exception is handled.
void tell_of_exception(connection& parent) noexcept {
  std::string what;
  try {
    throw;
  } catch (const std::exception& caught) {
    what = std::string(": ") + caught.what();
  } catch (...) {
  }
  std::fprintf(stderr, "%s (process %lld) ended by an exception of type %s%s\n", self().name.c_str(),
               static_cast<long long>(os::own_id()), name_of_current_exception().c_str(), what.c_str());
  std::fflush(stderr);
  try {
    message report = dumps(std::current_exception());
    parent.try_send_message(report);
  } catch (...) {
    // The parent is gone, or the exception cannot cross: the exit code and the line above have to do.
  }
}

int run(connection& parent, closure* work, message start) {
  try {
    archive_options options = trusting();
    forking_iarchive archive(std::move(start), options);
    start_request request;
    archive >> request;
    const std::string name = request.callable;
    const std::int64_t distance = request.callable_distance;
    become(std::move(request));
    if (work != nullptr) {
      archive.finish();
      work->run();
    } else {
      callable::find(name, distance).invoke(archive);
    }
    return EXIT_SUCCESS;
  } catch (...) {
    tell_of_exception(parent);
    return EXIT_FAILURE;
  }
}

}  // namespace

void live_as_child(unique_handle channel, unique_handle lifeline, closure* work, bool announce) noexcept {
  if (lifeline.valid()) os::die_with(lifeline);
  connection parent(channel::make_local_driver(std::move(channel)), access::read_write, trusting());
  message start;
  try {
    if (announce) parent.send_bytes({});
    start = parent.recv_message();
  } catch (const end_of_stream&) {
    os::exit_at_once(EXIT_SUCCESS);  // the parent has given up on the start
  }
  const int code = run(parent, work, std::move(start));
  // Lives on through exit handlers: the lifeline must.
  static_cast<void>(lifeline.release());
  std::exit(code);
}

void rehearse() {
  auto [parent, child] = pipe();
  forking_oarchive written("ferry.start", trusting());
  start_request request;
  request.parent = os::open_own_process();
  written << request;
  parent.send_message(written.finish());
  forking_iarchive read(child.recv_message(), trusting());
  read >> request;
  read.finish();
}

}  // namespace ferry::detail
