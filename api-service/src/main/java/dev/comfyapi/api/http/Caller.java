package dev.comfyapi.api.http;

/// Who sent the request. Every read and write carries it.
///
/// @param tenant whose jobs the caller sees
public record Caller(int tenant) {}
