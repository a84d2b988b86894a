#pragma once

namespace retinaface {
inline namespace internal {

/// A visitor for std::visit made of one function per alternative. Without a generic one among them,
/// an alternative that none of them takes does not compile.
template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;  // clang 16 does not deduce it

}  // namespace internal
}  // namespace retinaface
