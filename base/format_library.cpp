// What of fmt is not inline. Debian has it as a shared library alone, which would load the shared
// C++ library too: a third of the time that vm takes to start. Other versions than 9 are linked.

#include <fmt/core.h>

#if FMT_VERSION / 10000 == 9

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API char decimal_point_impl(locale_ref);
template FMT_API auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;

}  // namespace detail
FMT_END_NAMESPACE

#endif
