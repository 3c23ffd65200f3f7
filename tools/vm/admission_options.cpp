#include "tools/vm/admission_options.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "leases/socket.hpp"
#include "tools/vm/guest_options.hpp"

namespace sojourn::tools {

namespace {

namespace fs = std::filesystem;

/// As recipes have it, of a path that need not be there. Links in it are left alone: on another
/// host they led elsewhere.
std::string plain_path(const std::string& text) {
    std::error_code error;  // of a working directory that is gone: the name fits nothing then
    const fs::path absolute = fs::absolute(text, error);
    std::string path = (error ? fs::path(text) : absolute).lexically_normal().native();
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

/// The old name in `text`, and where it is now: paths, or addresses when the old name is one.
Result<leases::Mapping> parse_mapping(const std::string& text) {
    const auto equals = text.find('=');
    const std::string from = text.substr(0, equals);
    const std::string to = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (from.empty() || to.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "--map {}: write OLD=NEW, two paths or two addresses", text);
    }
    // Of a path, no name server is asked.
    if (!from.starts_with('/')) {
        const auto address = leases::numeric_address(from);
        if (address.ok()) {
            auto moved = TRY(leases::numeric_address(to));
            return leases::Mapping{*address, std::move(moved), /*moves_what_lies_below=*/false};
        }
    }
    auto place = TRY(parse_host_path(to));
    return leases::Mapping{plain_path(from), std::move(place)};
}

Result<std::string> parse_optional(const std::string& text) {
    if (leases::kind_named(text)) return text;
    if (text.starts_with('/')) return plain_path(text);
    auto address = leases::numeric_address(text);
    if (address.ok()) return address;
    return fail(ErrorCode::invalid_argument,
                "--optional {}: neither a kind ({}), nor an absolute path, nor an address", text,
                leases::kinds_for_people());
}

}  // namespace

void AdmissionOptions::add_to(CLI::App& verb) {
    verb.add_option("--dir", directories,
                    "The directory of this host that the guest calls GUEST, and may use: "
                    "HOST[::GUEST][:ro]; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    verb.add_option("--tcp-listen", listeners,
                    "HOST:PORT, where the guest may listen; may be repeated")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    verb.add_option("--map", mappings,
                    "What it knows as OLD is NEW here: a directory with all below it, a file, a "
                    "device, an address; may be repeated")
        ->type_name("OLD=NEW")
        ->allow_extra_args(false);
    verb.add_flag("--grant-all", grants_all,
                  "It may use whatever it asks for; --dry-run tells what that is");
    verb.add_option("--optional", optional,
                    "Go on without these if they can't be had: a kind (file, listener, …), a path "
                    "or an address; may be repeated")
        ->type_name("KIND|NAME")
        ->allow_extra_args(false);
}

Result<leases::AdmissionTerms> AdmissionOptions::parse() const {
    leases::AdmissionTerms terms;
    for (const std::string& text : directories) {
        if (has_keys(text)) {
            return fail(ErrorCode::invalid_argument,
                        "--dir {}: a resume takes no keys here; --on-resume GUEST=POLICY says what "
                        "becomes of files",
                        text);
        }
        const auto grant = TRY(parse_directory(text));
        terms.directories.push_back({grant.guest_path, grant.host_path, grant.read_only});
    }
    for (const std::string& text : listeners)
        terms.addresses.push_back(TRY(leases::numeric_address(text)));
    for (const std::string& text : mappings)
        terms.mappings.push_back(TRY(parse_mapping(text)));
    for (const std::string& text : optional)
        terms.optional.push_back(TRY(parse_optional(text)));
    terms.grants_all = grants_all;
    return terms;
}

}  // namespace sojourn::tools
