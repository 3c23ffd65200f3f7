#pragma once

#include <list>
#include <map>
#include <string>

#include "base/bytes.hpp"

namespace sojourn::vm {

/// Tells who watches this host process whose code lies where. To perf, in /tmp/perf-PID.map, a file
/// that stays; and to debuggers, by the interface that gdb has for it.
///
/// Requires: one thread at a time.
class CodeNames {
public:
    CodeNames();
    /// Debuggers forget them.
    ~CodeNames();
    CodeNames(const CodeNames&) = delete;
    CodeNames& operator=(const CodeNames&) = delete;

    /// `functions` are of `object`, a relocatable ELF file whose sections lie at these addresses,
    /// by their number; as they are called there and as they lie in memory. A body is called
    /// `name`, in printable characters of ASCII; others get it before their own.
    void tell(const std::string& name, const std::map<std::string, Bytes, std::less<>>& functions,
              Bytes object, const std::map<std::size_t, std::uint64_t>& section_addresses);

private:
    struct Registered;

    std::list<Registered> registered_;
};

}  // namespace sojourn::vm
