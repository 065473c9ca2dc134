/// The Kafka contract: what the leader tells a worker on its lane, and what everybody tells the API
/// instances.
///
/// Nothing here is the only copy of anything: each message may be lost, repeated or late.
@NullMarked
package dev.comfyapi.model.message;

import org.jspecify.annotations.NullMarked;
