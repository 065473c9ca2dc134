@org.jspecify.annotations.NullMarked
package dev.comfyapi.messaging;
