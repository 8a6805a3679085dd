// SPDX-License-Identifier: BSL-1.0
// Compiler options that Ferry needs.
#pragma once

#if !defined(__cpp_rtti) || !defined(__cpp_exceptions)
#  error "ferry needs RTTI and exceptions: compile without -fno-rtti and -fno-exceptions"
#  include <ferry/needs_rtti_and_exceptions>  // does not exist, and so ends the compilation here
#endif
