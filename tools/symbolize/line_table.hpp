#pragma once

#include <cstdint>
#include <elfutils/libdw.h>
#include <memory>
#include <optional>
#include <string>

/// The lines that DWARF gives to addresses.
namespace sojourn::symbolize {

struct SourceLine {
    std::string file;  ///< any bytes; absolute where the compiler says so
    int line = 0;      ///< from 1
    int column = 0;    ///< from 1; 0: not told
};

class LineTable {
public:
    /// Of the ELF image in this file. Empty when there is none that can be read. Borrows it.
    explicit LineTable(int image);

    /// nullopt: no unit tells, or the compiler made this instruction for no line.
    [[nodiscard]] std::optional<SourceLine> find(std::uint64_t address) const;

private:
    struct End {
        void operator()(Dwarf* dwarf) const { ::dwarf_end(dwarf); }
    };
    std::unique_ptr<Dwarf, End> dwarf_;
};

}  // namespace sojourn::symbolize
