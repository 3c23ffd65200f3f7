#include <array>

#include "base/quantity.hpp"
#include "heap/types.hpp"
#include "leases/internal/socket_address.hpp"
#include "process/reference.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tools/vm/admission_options.hpp"
#include "tools/vm/checkpoint_options.hpp"
#include "tools/vm/guest_options.hpp"

namespace sojourn::fuzz {

namespace {

using leases::SocketAddress;

/// What is typed becomes a value that keeps what the parser promises, or an error that says
/// something.
template <typename T, typename Check>
void expect(const Result<T>& parsed, const Check& check) {
    if (parsed.ok()) {
        EXPECTS(check(*parsed), "a value is in its range");
    } else {
        EXPECTS(!parsed.error().message.empty(), "an error says what is wrong");
    }
}

void try_size(const std::string& text) {
    expect(parse_size(text), [](std::uint64_t bytes) { return bytes > 0; });
}

void try_duration(const std::string& text) {
    constexpr std::uint64_t kTenYearsNs = std::uint64_t{3653} * 24 * 3600 * 1'000'000'000;
    expect(parse_duration(text), [](std::uint64_t ns) { return ns > 0 && ns <= kTenYearsNs; });
}

void try_directory(const std::string& text) {
    expect(tools::parse_directory(text), [](const vm::DirectoryGrant& grant) {
        return grant.host_path.starts_with('/') && !grant.guest_path.empty();
    });
}

void try_environment(const std::string& text) {
    expect(tools::parse_environment(text), [&](const std::string& taken) {
        return taken == text && text.find('=') != 0 && text.find('=') != std::string::npos;
    });
}

void try_host_path(const std::string& text) {
    expect(tools::parse_host_path(text),
           [](const std::string& path) { return path.starts_with('/'); });
}

void try_lease_term(const std::string& text) {
    leases::LeaseTerms terms;
    if (!tools::parse_lease_term(text, terms).ok()) return;
    EXPECTS(terms.size() == 1 && terms.begin()->second > 0, "a lease is granted for some time");
}

void try_mapping(const std::string& text) {
    tools::AdmissionOptions options;
    options.mappings = {"/" + text};  // an address would be looked for by a name server
    expect(options.parse(), [](const leases::AdmissionTerms& terms) {
        return terms.mappings.size() == 1 && !terms.mappings.front().from.empty() &&
               !terms.mappings.front().to.empty();
    });
}

void try_keep(const std::string& text) {
    expect(tools::parse_keep(text), [](const process::RetentionPolicy& policy) {
        return policy.last + policy.hourly + policy.daily > 0;
    });
}

void try_rhythm(const std::string& text) {
    process::Execution execution;
    const auto applied = tools::CheckpointOptions{.every = {text}, .keep = {}}.apply_to(execution);
    if (!applied.ok()) return;
    const auto& [interval_ns, dirty_bytes] = execution.checkpoint_rhythm;
    EXPECTS(interval_ns.value_or(1) > 0 && dirty_bytes.value_or(1) > 0,
            "a rhythm has no beat of nothing");
    EXPECTS(interval_ns || dirty_bytes, "what is accepted asks for something");
}

void try_reference(const std::string& text) {
    expect(process::Reference::parse(text), [&](const process::Reference& reference) {
        return text.starts_with(reference.process) && text.ends_with(reference.checkpoint) &&
               reference.checkpoint != "0";
    });
}

void try_name(const std::string& text) {
    if (!process::check_name(text).ok()) return;
    const auto reference = process::Reference::parse(text);
    EXPECTS(reference.ok() && reference->process == text && reference->checkpoint.empty(),
            "a name can be referred to");
}

void try_address(const std::string& text) {
    expect(SocketAddress::parse(text, SocketAddress::Names::numeric),
           [](const SocketAddress& address) {
               const auto again =
                   SocketAddress::parse(address.text(), SocketAddress::Names::numeric);
               return again.ok() && again->text() == address.text();
           });
}

void try_mechanism(const std::string& text) {
    static_cast<void>(heap::parse_mechanism(text));
}

struct Kind {
    void (*attempt)(const std::string& text);
    std::vector<std::string> examples;
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {try_size, {"65536", "64KiB", "8M", "4GB"}},
        {try_duration, {"200ms", "1s", "87600h"}},
        {try_directory, {"tests::/data:ro", ".::/", "tests,mode=once"}},
        {try_environment, {"HOME=/", "EMPTY="}},
        {try_host_path, {"/dev/null", "tests/../absent"}},
        {try_lease_term, {"file=10s", "listener=200ms"}},
        {try_mapping, {"old=/new", "a/../b=tests"}},
        {try_keep, {"last=10,hourly=24,daily=7"}},
        {try_rhythm, {"1s,100MB", "64MiB"}},
        {try_reference, {"job@7", "job", "a@b@18446744073709551615"}},
        {try_name, {"job", "a.b_c-1", "0123456789abcdef0123456789abcdef"}},
        {try_address, {"127.0.0.1:8080", "[::1]:80", "[fe80::1%lo]:1", "0.0.0.0:0"}},
        {try_mechanism, {"auto", "uffd-async", "mprotect"}},
    };
    return all;
}

}  // namespace

Seeds seeds_of_arguments() {
    Seeds seeds;
    for (std::size_t i = 0; i < kinds().size(); ++i) {
        for (const std::string& example : kinds()[i].examples) {
            ByteVector& seed = seeds.emplace_back(1, static_cast<std::byte>(i));
            const Bytes text = as_bytes(example);
            seed.insert(seed.end(), text.begin(), text.end());
        }
    }
    return seeds;
}

/// The first byte says what the rest is typed as.
void run_arguments(Bytes input) {
    Input rest(input);
    const auto kind = rest.take<std::uint8_t>() % kinds().size();
    // Nobody can type a zero.
    const std::string_view text = as_text(rest.rest());
    kinds()[kind].attempt(std::string(text.substr(0, text.find('\0'))));
}

}  // namespace sojourn::fuzz
