// SPDX-License-Identifier: BSL-1.0
// ferry::init, the first call in the main function of a program that starts processes.
#pragma once

namespace ferry {

/// Turns a started child into its work: then it does not return, but runs the callable that the parent named
/// and calls `std::exit` (see `process`). In a program that was started in any other way it does nothing but
/// note that the program can be started again as a child.
///
///   int main(int argc, char** argv) {
///     ferry::init(argc, argv);
///     ferry::process child(ferry::fn<&work>, 42);
///   }
///
/// A program that starts itself by `spawn` or `forkserver` without having called it gets a `process_error`
/// then.
void init(int argc, char** argv);

}  // namespace ferry
