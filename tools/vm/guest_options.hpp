#pragma once

#include <string>

#include "process/on_resume_choices.hpp"
#include "vm/host/dispatcher.hpp"

/// What `vm run` gives a guest, as it is typed.
namespace sojourn::tools {

/// `HOST[::GUEST][:ro][,key=value…]`; GUEST is HOST as typed unless given.
/// Errors: invalid_argument, naming what is not understood.
Result<vm::DirectoryGrant> parse_directory(const std::string& text);
/// Whether that has a `,key=value`. Names may have commas.
bool has_keys(const std::string& text);

/// `[GUEST=]POLICY`. Errors: invalid_argument.
Result<process::OnResumeChoice> parse_on_resume_choice(const std::string& text);

/// `KEY=VALUE`. Errors: invalid_argument.
Result<std::string> parse_environment(const std::string& text);

/// Something of the host that need not be there yet, as an absolute path. Errors: io.
Result<std::string> parse_host_path(const std::string& text);

/// `KIND=TIME`, into `terms`. Errors: invalid_argument.
Result<void> parse_lease_term(const std::string& text, leases::LeaseTerms& terms);

}  // namespace sojourn::tools
