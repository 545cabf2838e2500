{{/* Prefix of every name: the release's own where it says tradefleet already. */}}
{{- define "tradefleet.fullname" -}}
{{- if contains "tradefleet" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-tradefleet" (.Release.Name | trunc 29 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of a component: (dict "root" . "component" "operator"). */}}
{{- define "tradefleet.selector" -}}
app.kubernetes.io/name: tradefleet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tradefleet.labels" -}}
{{ include "tradefleet.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Never root, and nothing to gain from being broken into. */}}
{{- define "tradefleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tradefleet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where a pod may be placed: (dict "nodeSelector" … ). */}}
{{- define "tradefleet.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the operator may do where it watches: exactly what tradefleet_operator.rbac says. No Secrets. */}}
{{- define "tradefleet.operatorRules" -}}
- apiGroups: [tradefleet.dev]
  resources: [tradingbots, modelversions]
  verbs: [get, list, watch, patch]
- apiGroups: [tradefleet.dev]
  resources: [tradingbots/status, modelversions/status]
  verbs: [patch]
- apiGroups: [tradefleet.dev] # to own children with blockOwnerDeletion where that is enforced
  resources: [tradingbots/finalizers, modelversions/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io] # grants no more than it holds itself: reading TradingBots
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}
