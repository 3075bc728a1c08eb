#include "peer_library.h"

#include <dlfcn.h>

#include <string>

#include "ternary_peer.h"

/** The functions of ternary_peer.h, by the types that it declares. */
struct PeerLibrary {
  decltype(&ternary_peer_description) description;
  decltype(&ternary_peer_create) create;
  decltype(&ternary_peer_run) run;
  decltype(&ternary_peer_free) free;
  decltype(&ternary_peer_error) error;
};

namespace {

std::string problem;

/** Looks a function up; the names of those that are missing are gathered. */
template <typename Function>
void find(void* library, const char* name, Function* function, std::string* missing) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function == nullptr) *missing += (missing->empty() ? "" : ", ") + std::string(name);
}

const char* text_or_empty(const char* text) { return text == nullptr ? "" : text; }

}  // namespace

PeerLibrary* peer_library_open(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    problem = "does not load: " + std::string(text_or_empty(dlerror()));
    return nullptr;
  }
  auto* opened = new PeerLibrary;
  std::string missing;
  find(library, "ternary_peer_description", &opened->description, &missing);
  find(library, "ternary_peer_create", &opened->create, &missing);
  find(library, "ternary_peer_run", &opened->run, &missing);
  find(library, "ternary_peer_free", &opened->free, &missing);
  find(library, "ternary_peer_error", &opened->error, &missing);
  if (missing.empty()) return opened;
  problem = std::string(path) + " has no " + missing;
  delete opened;
  return nullptr;
}

const char* peer_library_problem() { return problem.c_str(); }

const char* peer_library_description(const PeerLibrary* library) { return text_or_empty(library->description()); }

void* peer_library_create(const PeerLibrary* library, const int8_t* w, int64_t n, int64_t k, float alpha,
                          int32_t threads) {
  return library->create(w, n, k, alpha, threads);
}

int32_t peer_library_run(const PeerLibrary* library, void* peer, const float* x, int64_t m, float* y) {
  return library->run(peer, x, m, y);
}

void peer_library_free(const PeerLibrary* library, void* peer) { library->free(peer); }

const char* peer_library_error(const PeerLibrary* library) { return text_or_empty(library->error()); }
