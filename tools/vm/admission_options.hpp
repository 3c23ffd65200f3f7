#pragma once

#include <string>
#include <vector>

#include "leases/admission.hpp"

namespace CLI {
class App;
}

namespace sojourn::tools {

/// What `vm resume` is told about the leases of the process, as it is typed.
struct AdmissionOptions {
    std::vector<std::string> directories;
    std::vector<std::string> listeners;
    std::vector<std::string> mappings;
    std::vector<std::string> optional;
    bool grants_all = false;

    void add_to(CLI::App& verb);
    /// Errors: invalid_argument, naming what is not understood.
    Result<leases::AdmissionTerms> parse() const;
};

}  // namespace sojourn::tools
