/**
 * @file peer_library.h
 * @brief Opens a library that has the interface of ternary_peer.h, and forwards to it. For JavaCPP, which makes
 * functions of Java of these, with every pointer a number.
 */
#ifndef TERNARY_PEER_LIBRARY_H_
#define TERNARY_PEER_LIBRARY_H_

#include <cstdint>

struct PeerLibrary;

/**
 * Loads a library and looks its functions up. It is never unloaded: what it may have started runs on.
 * @param path of the file
 * @return NULL if it does not load or lacks a function: peer_library_problem() says which
 */
PeerLibrary* peer_library_open(const char* path);

/** Why the last peer_library_open() gave NULL. */
const char* peer_library_problem();

/** @name What ternary_peer.h says of the function of the same ending. A text is empty where the library gives none. */
///@{
const char* peer_library_description(const PeerLibrary* library);
void* peer_library_create(const PeerLibrary* library, const int8_t* w, int64_t n, int64_t k, float alpha,
                          int32_t threads);
int32_t peer_library_run(const PeerLibrary* library, void* peer, const float* x, int64_t m, float* y);
void peer_library_free(const PeerLibrary* library, void* peer);
const char* peer_library_error(const PeerLibrary* library);
///@}

#endif
