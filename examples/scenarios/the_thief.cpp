// SPDX-License-Identifier: BSL-1.0
// The thief: a process that knows nothing but a few bytes takes a handle out of the process that offers it.
// So handles go over media that carry only bytes; and they go once: of all who know the bytes, one gets the
// handle.
#include <ferry/ferry.hpp>

#include <iostream>

namespace {

/// Offers its standard output, and tells what only the thief needs to know.
void owner(ferry::connection thief) {
  const ferry::offer loot = ferry::make_offer(ferry::handle_view(1));
  thief.send(loot);  // a plain value: it could as well be written into a file
  thief.recv<std::string>();
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  auto [here, there] = ferry::pipe();
  ferry::process child(ferry::fn<&owner>, std::move(there));
  const auto loot = here.recv<ferry::offer>();

  ferry::file::adopt(ferry::take_offer(loot)).write("written by the thief, through the owner's handle\n");
  try {
    ferry::take_offer(loot);
  } catch (const ferry::transfer_error& refusal) {
    std::cout << "a second time: refused\n";
  }

  here.send("done");  // until now the owner has waited: an offer ends with the process that made it
}
