#include "tools/symbolize/line_table.hpp"

#include <cstring>

namespace sojourn::symbolize {

namespace {

/// Longer than any path of a host.
constexpr std::size_t kFileNameEnd = 4096;

std::optional<SourceLine> describe(Dwarf_Line* row) {
    SourceLine found;
    const char* file = ::dwarf_linesrc(row, nullptr, nullptr);
    if (file == nullptr || ::strnlen(file, kFileNameEnd) == kFileNameEnd) return std::nullopt;
    found.file = file;
    if (::dwarf_lineno(row, &found.line) != 0 || found.line <= 0) return std::nullopt;
    if (::dwarf_linecol(row, &found.column) != 0 || found.column < 0) found.column = 0;
    return found;
}

}  // namespace

LineTable::LineTable(int image) : dwarf_(::dwarf_begin(image, DWARF_C_READ)) {}

std::optional<SourceLine> LineTable::find(std::uint64_t address) const {
    Dwarf_CU* unit = nullptr;
    Dwarf_Die die{};
    // Every unit, since few compilers for WebAssembly write .debug_aranges.
    while (::dwarf_get_units(dwarf_.get(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
        if (Dwarf_Line* row = ::dwarf_getsrc_die(&die, address)) return describe(row);
    }
    return std::nullopt;
}

}  // namespace sojourn::symbolize
