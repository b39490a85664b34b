output "template" {
  description = "What a launch names as containerSpecGcsPath."
  value       = "gs://${google_storage_bucket.staging.name}/${google_storage_bucket_object.template.name}"
}

output "worker" {
  description = "What a launch names as serviceAccountEmail."
  value       = google_service_account.worker.email
}

output "launcher" {
  description = "The account that schedules nights."
  value       = google_service_account.launcher.email
}

output "labelled" {
  description = "Where nights are written."
  value       = "gs://${google_storage_bucket.labelled.name}"
}

output "staging" {
  description = "Below it, staging and temp of a launch."
  value       = "gs://${google_storage_bucket.staging.name}"
}
