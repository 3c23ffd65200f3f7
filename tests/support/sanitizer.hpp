#pragma once

namespace sojourn::tests {

/// Whether the address or the thread sanitizer watches: it has the last word on deadly signals,
/// takes memory and a great deal of addresses for itself, and slows what it watches down.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace sojourn::tests
