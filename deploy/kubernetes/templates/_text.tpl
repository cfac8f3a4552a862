{{- define "ticketapp.text" }}{{ if kindIs "float64" . }}{{ toJson . }}{{ else if not (kindIs "invalid" .) }}{{ . }}{{ end }}{{ end }}
